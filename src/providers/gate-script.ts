/**
 * The gate's rules as one Redis script, on Redis' own clock: the same as `domain/provider-gate.ts`, line by line, and
 * held to it by a test. KEYS[1] is the gate. ARGV: what to do, interval, failuresToClose, closureMsMin, closureMsMax,
 * probeMsMax, backlogSlotEvery, the time for tests (else empty), then what the call needs. It answers with what came of
 * it, the time and the state; numbers as text, because Redis cuts off their fractions.
 */
export const gateScript = `
local key = KEYS[1]
local what = ARGV[1]
local interval, failuresToClose = tonumber(ARGV[2]), tonumber(ARGV[3])
local closureMin, closureMax, probeMax = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local backlogEvery = tonumber(ARGV[7])
local now = tonumber(ARGV[8])
if now == nil then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end

local names = { 'next', 'due', 'closed', 'failures', 'closures', 'probe', 'born' }
local s = {}
local values = redis.call('HMGET', key, unpack(names))
for i, name in ipairs(names) do s[name] = tonumber(values[i]) end
if s.next == nil then
  -- Lost: one interval late, and closed as long as the worker who asks knows it to be.
  s = { next = now + interval, due = now, closed = 0, failures = 0, closures = 0, probe = 0, born = now }
  local known, knownClosures = tonumber(ARGV[9]), tonumber(ARGV[10])
  if known ~= nil and known > now then s.closed = known s.closures = knownClosures or 0 end
end

local function text(number) return string.format('%.17g', number) end
local function answer(kind, at, extra)
  local fields = {}
  local latest = now
  for _, name in ipairs(names) do
    fields[#fields + 1] = name
    fields[#fields + 1] = text(s[name])
    if name ~= 'failures' and name ~= 'closures' and name ~= 'born' and s[name] > latest then latest = s[name] end
  end
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, math.ceil(latest - now) + 86400000)
  return { kind, text(at), extra, text(now), text(s.next), text(s.closed), text(s.probe), text(s.closures), text(s.born) }
end

if what == 'admit' then
  local lane, patience = ARGV[11], tonumber(ARGV[12])
  if now < s.closed then return answer('later', s.closed, 'closed') end
  if now < s.probe then return answer('later', s.probe, 'closed') end
  local at = math.max(now, s.next)
  if at - now > patience then return answer('later', at, 'rate') end
  if lane == 'backlog' and s.next > now and s.due > at then
    return answer('later', math.min(at, now + math.max(interval, s.due - at)), 'rate')
  end
  local probe = s.closures > 0
  s.next = at + interval
  if lane == 'backlog' then s.due = at + backlogEvery * interval end
  s.probe = probe and at + probeMax or 0
  return answer('slot', at, probe and 'probe' or '')
elseif what == 'report' then
  local said = ARGV[11]
  if said == 'answered' then
    s.failures = 0 s.closures = 0 s.probe = 0
  elseif said == 'throttled' then
    s.probe = 0
    s.closed = math.max(s.closed, now + tonumber(ARGV[12]))
  elseif said == 'neutral' then
    s.probe = 0
  elseif said == 'failed' and now >= s.closed then
    s.failures = s.failures + 1
    if s.closures > 0 or s.failures >= failuresToClose then
      s.closed = now + math.min(closureMin * 2 ^ s.closures, closureMax)
      s.closures = s.closures + 1
      s.probe = 0
    end
  end
  return answer('reported', now, '')
elseif what == 'enter' then
  -- A slot of a gate that was lost is void: the next one may have given the same time to somebody else.
  local alive = ARGV[12] == '' or ARGV[12] == text(s.born)
  local may = alive and now >= s.closed and (ARGV[11] == 'probe' or s.closures == 0)
  return answer(may and 'yes' or 'no', now, '')
elseif what == 'open' then
  s.closed = 0 s.failures = 0 s.closures = 0 s.probe = 0
  return answer('reported', now, '')
elseif what == 'close' then
  s.closed = math.max(s.closed, now + tonumber(ARGV[11]))
  return answer('reported', now, '')
end
return answer('state', now, '')
`;
