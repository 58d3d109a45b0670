"""What operators define: funnels, overrides, experiments, and files of them."""
