"""Options and facts to what is to be done, what others are told, and what the status says."""
