"""What is watched: metrics, alarms, and the files that dashboards are made of."""
