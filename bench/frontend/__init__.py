"""How fast files are read, and how well reading goes on after a mistake."""
