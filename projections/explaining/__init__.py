"""Why a figure is what it is: named formulas over numbers that stand in events, which a program
evaluates again.
"""
