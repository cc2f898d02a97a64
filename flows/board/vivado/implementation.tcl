# Stage 3: place and route; hardware that misses its clock is an error.
source [file join [file dirname [file normalize [info script]]] common.tcl]
open_project [file join $xf_project $xf_name.xpr]
reset_run impl_1
xf_run impl_1 -to_step route_design
open_run impl_1
report_utilization -hierarchical -file [file join $xf_reports utilisation.txt]
report_timing_summary -file [file join $xf_reports timing.txt]
set slack [get_property SLACK [get_timing_paths -max_paths 1 -setup]]
set hold [get_property SLACK [get_timing_paths -max_paths 1 -hold]]
if {$slack < 0 || $hold < 0} {
  error "timing is not met at $xf_clock_mhz MHz: worst setup slack $slack ns, worst hold slack $hold ns; give a longer --clock"
}
set file [open [file join $xf_reports slack.txt] w]
puts $file "$slack $hold"
close $file
close_project
