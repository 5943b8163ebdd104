"""What a replay leaves behind: orders, fills, profit, the files people script against."""
