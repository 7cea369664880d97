"""Agreement of the engine with an interpreter of journeys that shares no code with its plans.

drawing -> a seed: a journey, customers, what happens to them
telling -> its trace by the letter of S4 to S23, one customer at a time
running -> its trace by the engine, many seeds in one store
"""
