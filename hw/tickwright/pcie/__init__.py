"""The card's end of PCI Express: registers, record rings and interrupts."""
