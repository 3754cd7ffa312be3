"""The rehearsal: the unchanged program on the real Pulumi engine, against clouds on this machine."""
