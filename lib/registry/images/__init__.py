"""Images as clients use them: their names, and the indexes of archives."""
