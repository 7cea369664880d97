"""Hands any text at all to reading, checking and formatting, for as long as one likes."""
