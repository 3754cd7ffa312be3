"""What a stage is: the Pulumi program, the product it deploys and the settings that differ between stages."""
