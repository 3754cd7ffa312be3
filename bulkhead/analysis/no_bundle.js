// Stands for a Worker that has not been built: `bulkhead/analysis/plan.py` needs a file, and never looks into it.
