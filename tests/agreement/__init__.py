"""Agreement of the engine with a reference interpreter that shares no code with its plans.

drawing      a scenario: journeys, customers, and what happens to them
interpreter  its trace by S4 to S23 to the letter, one customer at a time
running      its trace by the engine, several scenarios in one store
comparing    the two traces, and the smallest difference

README.md beside this file says how to add a feature, and what is not drawn.
"""
