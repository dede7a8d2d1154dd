"""What is kept in a database: the book of cards, and how far a sync has come.

Both may live in one database or in two; the tables are the same in each.
"""
