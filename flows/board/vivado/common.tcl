# What the stages share: where things are, what was asked for, and runs that stop where one fails.
set xf_root [file dirname [file dirname [file normalize [info script]]]]
source [file join $xf_root tcl settings.tcl]
set xf_project [file join $xf_root project]
set xf_reports [file join $xf_root reports]
file mkdir $xf_reports

# The newest version of a stock IP that this Vivado has.
proc xf_ip {name} {
  set found [get_ipdefs -all "xilinx.com:ip:$name:*" -filter {UPGRADE_VERSIONS == ""}]
  if {[llength $found] == 0} {error "this Vivado has no IP $name"}
  return [get_property VLNV [lindex $found end]]
}

# Run up to a step; an error where it does not get there, after the errors of the run's own log.
proc xf_run {run args} {
  global xf_jobs
  launch_runs $run -jobs $xf_jobs {*}$args
  wait_on_run $run
  set status [get_property STATUS [get_runs $run]]
  if {[string match "*Complete*" $status]} {return}
  set log [file join [get_property DIRECTORY [get_runs $run]] runme.log]
  if {[file exists $log]} {
    set file [open $log r]
    set lines [split [read $file] "\n"]
    close $file
    foreach line [lrange [lsearch -all -inline -regexp $lines {^(ERROR|CRITICAL WARNING):}] end-4 end] {puts $line}
  }
  error "run $run ended as $status"
}

# All files below a folder whose names match.
proc xf_below {folder pattern} {
  set found [glob -nocomplain -type f -directory $folder $pattern]
  foreach below [glob -nocomplain -type d -directory $folder *] {
    lappend found {*}[xf_below $below $pattern]
  }
  return $found
}
