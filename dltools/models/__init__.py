"""The core models: one folder a capability, named as its command."""
