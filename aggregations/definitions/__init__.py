"""What operators define: funnels, overrides, experiments."""
