"""The road of a change into a stage: so far, the migrations of its databases and the journal of deployments."""
