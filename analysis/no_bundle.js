// Stands for a Worker that has not been built: `analysis/plan.py` needs a file, and never looks into it.
