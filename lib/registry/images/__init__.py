"""Images as clients see them: their names, and how archives describe them."""
