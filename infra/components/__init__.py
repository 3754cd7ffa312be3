"""What a stage is made of: one component resource per file, each saying what it makes, what it leaves out and why.

AWS classes are imported by name, never reached through their module: ``pulumi_aws`` loads a module when it is first
touched, and threads that touch it at the same time, as in a rehearsal, see a half-loaded module.
"""
