# Stage 4: the bitstream, and what PYNQ reads beside it.
source [file join [file dirname [file normalize [info script]]] common.tcl]
open_project [file join $xf_project $xf_name.xpr]
open_run impl_1
write_bitstream -force [file join $xf_root deploy $xf_name.bit]
set found [lsearch -all -inline [xf_below $xf_project $xf_name.hwh] */hw_handoff/*]
if {[llength $found] == 0} {error "Vivado wrote no hw_handoff/$xf_name.hwh below $xf_project"}
file copy -force [lindex $found 0] [file join $xf_root deploy $xf_name.hwh]
close_project
