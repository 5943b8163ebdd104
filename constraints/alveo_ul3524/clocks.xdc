# The card's clock (of the order port) and that of the PCIe block have nothing to do with each
# other. What passes between them does so in synchronisers, whose bits may differ by less than one
# period of the faster clock: 4 ns.
set_max_delay -datapath_only 4.000 \
    -from [get_clocks -of_objects [get_pins ports/block/clk]] \
    -to [get_clocks -of_objects [get_pins pcie/block/user_clk]]
set_max_delay -datapath_only 4.000 \
    -from [get_clocks -of_objects [get_pins pcie/block/user_clk]] \
    -to [get_clocks -of_objects [get_pins ports/block/clk]]
set_property ASYNC_REG TRUE [get_cells {
    cq/*/*_cdc/stage*_reg* cc/*/*_cdc/stage*_reg* rq/*/*_cdc/stage*_reg*
    host_status/stage*_reg* sync_reset/stage*_reg* pcie_reset/stage*_reg*
}]

# A reset of the connector has no clock.
set_false_path -from [get_ports pcie_perst_n]
