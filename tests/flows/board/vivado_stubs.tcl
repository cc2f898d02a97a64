# Vivado's commands for a plain tclsh: each is recorded in the file that RECORD names, and answers as the next command needs it.
set stubs_record [open $env(RECORD) a]
fconfigure $stubs_record -encoding utf-8

# A recorded call is one line: a list of words, line ends written as \n.
proc stubs_note {args} {
  puts $::stubs_record [string map [list "\n" "\\n"] $args]
  flush $::stubs_record
}
foreach name {
  update_compile_order assign_bd_address validate_bd_design save_bd_design generate_target close_project reset_run wait_on_run
  launch_runs connect_bd_net connect_bd_intf_net create_bd_intf_port open_run set_property
} {
  proc $name {args} "stubs_note $name {*}\$args"
}
foreach name {get_bd_pins get_bd_intf_pins get_bd_intf_ports get_bd_cells get_files get_runs} {
  proc $name {args} {return $args}
}
proc current_fileset {} {return sources_1}
proc get_ipdefs {args} {return [string map {:* :1.0} [lindex $args 1]]}
proc get_timing_paths {args} {return [lindex $args end]}
proc get_property {name of} {
  if {$name eq "VLNV"} {return $of}
  if {$name eq "STATUS"} {return $::env(STATUS)}
  if {$name eq "DIRECTORY"} {return [file join $::xf_project runs]}
  if {$name eq "SLACK"} {return [expr {$of eq "-setup" ? $::env(SLACK) : 0.05}]}
  error "no property $name"
}
proc create_project {args} {
  stubs_note create_project {*}$args
  lassign $args force name folder
  file mkdir $folder
  close [open [file join $folder $name.xpr] w]
}
proc open_project {path} {
  stubs_note open_project $path
  if {![file exists $path]} {error "no project $path"}
}
proc add_files {args} {
  stubs_note add_files {*}$args
  foreach file [lindex $args end] {if {![file exists $file]} {error "no file $file"}}
}
proc create_bd_design {name} {
  stubs_note create_bd_design $name
  set handoff [file join $::xf_project $name.gen sources_1 bd $name hw_handoff]
  file mkdir $handoff
  close [open [file join $handoff $name.hwh] w]
}
proc create_bd_cell {args} {
  stubs_note create_bd_cell {*}$args
  return [lindex $args end]
}
proc make_wrapper {args} {stubs_note make_wrapper {*}$args}
foreach name {report_utilization report_timing_summary write_bitstream} {
  proc $name {args} "stubs_note $name {*}\$args; close \[open \[lindex \$args end\] w\]"
}
