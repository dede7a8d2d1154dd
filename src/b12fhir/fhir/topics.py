"""What a card of decision support can be about: the codes of our code system ``card-topic``."""

from collections.abc import Mapping

CARD_TOPIC = "card-topic"
TOPICS: Mapping[str, str] = {
    "deficiency": "Vitamin B12 deficiency to be treated",
    "confirm": "Vitamin B12 deficiency to be confirmed",
    "data": "Data that cannot decide",
    "dose": "A dose of vitamin B12 that is due or late",
    "follow-up": "Follow-up of vitamin B12 deficiency",
    "order": "An order of vitamin B12 or folic acid",
}
