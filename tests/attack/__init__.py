"""Attacks from outside: hostile servers, clocks, disks, files and values."""
