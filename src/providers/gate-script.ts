/**
 * The gate's rules as one Redis script, on Redis' own clock: the same as `domain/provider-gate.ts` and
 * `domain/gate-state.ts`, line by line, and held to them by a test. KEYS[1] is the gate, ARGV[1] what to do, ARGV[2]
 * what `redis-gates.ts` says of limits, time and earlier lives, as JSON; the rest is what the call needs. It answers
 * with what came of it and the state; numbers as text, because Redis cuts off their fractions.
 */
export const gateScript = `
local key, what, said = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local interval, dayMs = said.intervalMs, 86400000
local now = said.nowMs
if now == nil then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
end
local today = math.floor(now / dayMs)

local names = {
  'next', 'due', 'closed', 'failures', 'closures', 'probe', 'born', 'asof', 'opened', 'day', 'spent', 'before', 'by',
}
local times = { 'next', 'due', 'closed', 'probe', 'opened' }
local s = {}
local values = redis.call('HMGET', key, unpack(names))
for i, name in ipairs(names) do s[name] = name == 'by' and (values[i] or '') or tonumber(values[i]) end
if s.next == nil or s.born == nil then
  -- New, or lost: one interval late.
  s = { next = now + interval, due = now, closed = 0, failures = 0, closures = 0, probe = 0, born = now, by = '' }
end
-- An older version left these away.
s.asof, s.opened, s.day = s.asof or now, s.opened or 0, s.day or today
s.spent, s.before = s.spent or 0, s.before or 0

local back = math.max(0, s.asof - now)
for _, name in ipairs(times) do s[name] = s[name] - back end
s.asof = now
if today > s.day then s.spent, s.before = 0, 0 end
s.day = today

local function close(until_, by)
  if until_ > s.closed then s.closed, s.by = until_, by end
end

local known = said.known
if known ~= nil and known.bornAtMs ~= s.born then
  if known.day == s.day then s.before = math.max(s.before, known.spent) end
  if s.opened <= now - known.agoMs then
    s.closures = math.max(s.closures, known.closures)
    if known.closedForMs > 0 then close(now + known.closedForMs, known.closedBy) end
  end
end
if said.unheardForMs ~= nil then close(now + said.unheardForMs, 'provider') end

local function budgetOpensAt(budget)
  return (budget ~= nil and s.spent + s.before >= budget) and (s.day + 1) * dayMs or 0
end
local function text(number) return string.format('%.17g', number) end
local function answer(kind, at, extra)
  local fields, latest = {}, now
  for _, name in ipairs(names) do
    fields[#fields + 1] = name
    fields[#fields + 1] = name == 'by' and s.by or text(s[name])
  end
  for _, name in ipairs(times) do latest = math.max(latest, s[name]) end
  redis.call('HSET', key, unpack(fields))
  redis.call('PEXPIRE', key, math.ceil(latest - now) + 2 * dayMs)
  return {
    kind, text(at), extra, text(now), text(s.next), text(s.closed), text(s.probe), text(s.closures), text(s.born),
    text(s.day), text(s.spent + s.before), text(budgetOpensAt(said.budgets['real-time'])), s.by,
  }
end

if what == 'admit' then
  local lane, patience, late = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  if now < s.closed then return answer('later', s.closed, 'closed') end
  if now < s.probe then return answer('later', s.probe, 'closed') end
  local opens = budgetOpensAt(said.budgets[lane])
  if now < opens then return answer('later', opens, 'closed') end
  local at = math.max(now, s.next)
  if at - now > patience then return answer('later', at, 'rate') end
  if lane == 'backlog' and s.next > now and s.due > at then
    return answer('later', math.min(at, now + math.max(interval, s.due - at)), 'rate')
  end
  local probe = s.closures > 0
  s.spent = s.spent + 1
  s.next = at + interval + late
  if lane == 'backlog' then s.due = at + said.backlogSlotEvery * interval end
  s.probe = probe and at + said.probeMsMax or 0
  return answer('slot', at, probe and 'probe' or '')
elseif what == 'report' then
  local outcome = ARGV[3]
  if outcome == 'answered' then
    s.failures, s.closures, s.probe = 0, 0, 0
  elseif outcome == 'throttled' then
    s.probe = 0
    close(now + tonumber(ARGV[4]), 'provider')
  elseif outcome == 'neutral' then
    s.probe = 0
  elseif outcome == 'failed' and now >= s.closed then
    s.failures = s.failures + 1
    if s.closures > 0 or s.failures >= said.failuresToClose then
      close(now + math.min(said.closureMsMin * 2 ^ s.closures, said.closureMsMax), 'failures')
      s.closures = s.closures + 1
      s.probe = 0
    end
  end
elseif what == 'enter' then
  -- A slot of a gate that was lost is void: the next one may have given the same time to somebody else.
  local alive = ARGV[4] == '' or ARGV[4] == text(s.born)
  local may = alive and now >= s.closed and (ARGV[3] == 'probe' or s.closures == 0)
  return answer(may and 'yes' or 'no', now, '')
elseif what == 'open' then
  s.closed, s.by, s.failures, s.closures, s.probe, s.opened = 0, '', 0, 0, 0, now
elseif what == 'close' then
  close(now + tonumber(ARGV[3]), ARGV[4])
end
return answer('state', now, '')
`;
