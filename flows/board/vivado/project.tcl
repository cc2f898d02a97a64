# Stage 1: the project, its block design, and the wrapper around it.
source [file join [file dirname [file normalize [info script]]] common.tcl]

create_project -force $xf_name $xf_project -part $xf_part

# Vivado looks for memory images beside the run, wherever that is: in the netlist their paths become absolute.
if {[regexp {["\\]} $xf_root]} {error "the folder $xf_root has a quote or a backslash in its path, which no Verilog string holds"}
set xf_generated [file join $xf_project generated]
file mkdir $xf_generated
set xf_sources {}
foreach name $xf_netlists {
  set file [open [file join $xf_root hw $name] r]
  set text [read $file]
  close $file
  set file [open [file join $xf_generated $name] w]
  puts -nonewline $file [string map [list "\"mem/" "\"$xf_root/hw/mem/"] $text]
  close $file
  lappend xf_sources [file join $xf_generated $name]
}
foreach name $xf_cells {lappend xf_sources [file join $xf_root hw $name]}
add_files -norecurse $xf_sources
update_compile_order -fileset sources_1

create_bd_design $xf_name

# The processing system; memory and pins are as the board's boot image has set them.
set xf_ps [create_bd_cell -type ip -vlnv [xf_ip $xf_ps_ip] ps]
set_property -dict $xf_ps_properties $xf_ps
foreach {name type} $xf_ps_external {
  create_bd_intf_port -mode Master -vlnv $type $name
  connect_bd_intf_net [get_bd_intf_pins ps/$name] [get_bd_intf_ports $name]
}

# The clock: the processing system's 100 MHz is the reference of a clock wizard.
create_bd_cell -type ip -vlnv [xf_ip clk_wiz] clk_wiz_0
set_property -dict [list \
  CONFIG.PRIM_IN_FREQ.VALUE_SRC PROPAGATED \
  CONFIG.PRIM_SOURCE No_buffer \
  CONFIG.CLKOUT1_REQUESTED_OUT_FREQ $xf_clock_mhz \
  CONFIG.USE_LOCKED true \
  CONFIG.USE_RESET true \
  CONFIG.RESET_TYPE ACTIVE_LOW \
  CONFIG.RESET_PORT resetn] [get_bd_cells clk_wiz_0]
create_bd_cell -type ip -vlnv [xf_ip proc_sys_reset] reset_0
connect_bd_net [get_bd_pins ps/$xf_ps_clock] [get_bd_pins clk_wiz_0/clk_in1]
connect_bd_net [get_bd_pins ps/$xf_ps_reset] [get_bd_pins clk_wiz_0/resetn]
connect_bd_net [get_bd_pins ps/$xf_ps_reset] [get_bd_pins reset_0/ext_reset_in]
connect_bd_net [get_bd_pins clk_wiz_0/locked] [get_bd_pins reset_0/dcm_locked]

# The network and the DMA, in simple mode, a whole batch in each transfer.
create_bd_cell -type module -reference $xf_module network_0
create_bd_cell -type ip -vlnv [xf_ip axi_dma] axi_dma_0
set_property -dict [list \
  CONFIG.c_include_sg 0 \
  CONFIG.c_sg_include_stscntrl_strm 0 \
  CONFIG.c_sg_length_width $xf_length_bits \
  CONFIG.c_addr_width $xf_address_bits \
  CONFIG.c_include_mm2s 1 \
  CONFIG.c_include_mm2s_dre 0 \
  CONFIG.c_m_axi_mm2s_data_width $xf_memory_bits \
  CONFIG.c_m_axis_mm2s_tdata_width [expr {8 * $xf_in_dma_bytes}] \
  CONFIG.c_include_s2mm 1 \
  CONFIG.c_include_s2mm_dre 0 \
  CONFIG.c_m_axi_s2mm_data_width $xf_memory_bits \
  CONFIG.c_s_axis_s2mm_tdata_width [expr {8 * $xf_out_dma_bytes}]] [get_bd_cells axi_dma_0]

# A stream from one pin to another, through a width converter where the beats differ.
proc xf_stream {from from_bytes to to_bytes converter} {
  if {$from_bytes != $to_bytes} {
    create_bd_cell -type ip -vlnv [xf_ip axis_dwidth_converter] $converter
    set_property -dict [list CONFIG.S_TDATA_NUM_BYTES $from_bytes CONFIG.M_TDATA_NUM_BYTES $to_bytes] [get_bd_cells $converter]
    connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $converter/S_AXIS]
    set from $converter/M_AXIS
    lappend ::xf_clocks $converter/aclk
    lappend ::xf_resets $converter/aresetn
  }
  connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}
set xf_clocks {network_0/ap_clk axi_dma_0/s_axi_lite_aclk axi_dma_0/m_axi_mm2s_aclk axi_dma_0/m_axi_s2mm_aclk reset_0/slowest_sync_clk}
set xf_resets {network_0/ap_rst_n axi_dma_0/axi_resetn}
xf_stream axi_dma_0/M_AXIS_MM2S $xf_in_dma_bytes network_0/s_axis $xf_in_bytes in_width_0
xf_stream network_0/m_axis $xf_out_bytes axi_dma_0/S_AXIS_S2MM $xf_out_dma_bytes out_width_0

# The DMA's registers and its way to memory.
create_bd_cell -type ip -vlnv [xf_ip smartconnect] control_0
set_property -dict [list CONFIG.NUM_SI 1 CONFIG.NUM_MI 1] [get_bd_cells control_0]
create_bd_cell -type ip -vlnv [xf_ip smartconnect] memory_0
set_property -dict [list CONFIG.NUM_SI 2 CONFIG.NUM_MI 1] [get_bd_cells memory_0]
connect_bd_intf_net [get_bd_intf_pins ps/$xf_ps_control] [get_bd_intf_pins control_0/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins control_0/M00_AXI] [get_bd_intf_pins axi_dma_0/S_AXI_LITE]
connect_bd_intf_net [get_bd_intf_pins axi_dma_0/M_AXI_MM2S] [get_bd_intf_pins memory_0/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins axi_dma_0/M_AXI_S2MM] [get_bd_intf_pins memory_0/S01_AXI]
connect_bd_intf_net [get_bd_intf_pins memory_0/M00_AXI] [get_bd_intf_pins ps/$xf_ps_memory]
lappend xf_clocks control_0/aclk memory_0/aclk ps/$xf_ps_control_clock ps/$xf_ps_memory_clock
foreach pin $xf_clocks {connect_bd_net [get_bd_pins clk_wiz_0/clk_out1] [get_bd_pins $pin]}
foreach pin $xf_resets {connect_bd_net [get_bd_pins reset_0/peripheral_aresetn] [get_bd_pins $pin]}
foreach pin {control_0/aresetn memory_0/aresetn} {connect_bd_net [get_bd_pins reset_0/interconnect_aresetn] [get_bd_pins $pin]}

assign_bd_address
validate_bd_design
save_bd_design

# One synthesis run for all of it.
set xf_design [get_files $xf_name.bd]
set_property synth_checkpoint_mode None $xf_design
generate_target all $xf_design
make_wrapper -files $xf_design -top -import
set_property top ${xf_name}_wrapper [current_fileset]
update_compile_order -fileset sources_1
close_project
