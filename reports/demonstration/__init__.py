"""The demonstration: the real tree of 2010, invented people, duties and reviews in every state."""
