"""What the human-resources bureau uses the returned data for: the purpose of its grants."""
PURPOSE = "社会保险与就业服务"
