# Stage 2: synthesis.
source [file join [file dirname [file normalize [info script]]] common.tcl]
open_project [file join $xf_project $xf_name.xpr]
reset_run synth_1
xf_run synth_1
open_run synth_1
report_utilization -hierarchical -file [file join $xf_reports utilisation_synthesis.txt]
close_project
