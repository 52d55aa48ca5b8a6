"""Ways to users' apps: the flow protocol over webhooks and WebSockets."""
