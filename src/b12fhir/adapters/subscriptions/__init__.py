"""A server tells us that something changed, and the patients concerned are looked at in seconds.

What arrives is a bell and no more: it is never read as data. It wakes a pass, which is an ordinary
run of `sync` over what changed, so whatever holds for a run holds here as well. A pass is also run
every so often without a bell, for a notification may get lost.
"""

# Where a server calls us.
PATH = "/subscriptions/notify"
