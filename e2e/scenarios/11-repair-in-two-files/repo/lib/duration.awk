# Times as people write them.

# The hours of a text such as 2h, 45m, 1h30m or 1:30; -1 when it is no time.
function hours_of(text,    part) {
  if (text ~ /^[0-9]+:[0-5][0-9]$/) {
    split(text, part, ":")
    return part[1] + int(part[2] / 60)
  }
  if (text ~ /^[0-9]+h$/) return text + 0
  if (text ~ /^[0-9]+h[0-9]+m$/) {
    split(text, part, /[hm]/)
    return part[1] + int(part[2] / 60)
  }
  if (text ~ /^[0-9]+m$/) return int(text / 60)
  return -1
}

# Hours as 2h05m.
function shown(hours) {
  return sprintf("%dh%02dm", hours, (hours * 60) % 60)
}
