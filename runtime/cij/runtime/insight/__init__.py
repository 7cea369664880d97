"""Insight: what happened to one customer, and why, read from the store as it is.

    person --timeline--> entries in the order of time
    person, journey --why--> a tree of rules, values and where they came from

Nothing here changes the store: what has to be computed for an instant is taken back.
"""
