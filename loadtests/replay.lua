-- Sends each request of a file once, with wrk: a redemption can't be repeated usefully.
--
-- The file is a row of records: eight decimal digits, then as many bytes of HTTP.
-- Arguments: the file, the connections, the seconds. When the time is over or the
-- file is empty, a connection gets nothing more to send; once all of them are idle
-- every request has its answer, and the run stops. Prints one line of JSON.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } instant;
  int clock_gettime(int clock, instant *now);
  int getpid(void);
  int kill(int process, int signal);
]]
local MONOTONIC, SIGINT = 1, 2
local instant = ffi.new("instant")

local function now()
  ffi.C.clock_gettime(MONOTONIC, instant)
  return tonumber(instant.seconds) + tonumber(instant.nanoseconds) / 1e9
end

local thread  -- the only one (-t1); set where the results are gathered

function setup(it)
  thread = it
end

-- From here to `response`: the thread's own copy of this script.

statuses, elapsed = {}, 0
local requests, connections, duration, first, start
local idle = 0

local function next_record()
  local length = requests:read(8)
  return length and requests:read(tonumber(length))
end

local function stop()
  elapsed = now() - start
  wrk.thread:stop()
  ffi.C.kill(ffi.C.getpid(), SIGINT)  -- else wrk sleeps for the rest of its time
end

function init(arguments)
  requests = assert(io.open(arguments[1], "rb"))
  connections, duration = tonumber(arguments[2]), tonumber(arguments[3])
end

function request()
  if not first then  -- wrk looks at one request before it starts, and does not send it
    first = next_record()
    return first
  end
  local record
  if not start then
    start, record = now(), first
  elseif now() - start < duration then
    record = next_record()
  end
  if record then return record end
  idle = idle + 1
  if idle == connections then stop() end
  return ""
end

function response(status)
  local name = tostring(status)
  statuses[name] = (statuses[name] or 0) + 1
end

function done(summary, latency)
  local counted = {}
  for status, count in pairs(thread:get("statuses")) do
    counted[#counted + 1] = string.format('"%s":%d', status, count)
  end
  local errors, seconds = summary.errors, thread:get("elapsed")
  if seconds == 0 then seconds = summary.duration / 1e6 end  -- it was cut short
  print(string.format(
    '{"statuses":{%s},"broken":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f}',
    table.concat(counted, ","), errors.connect + errors.read + errors.write, seconds,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
