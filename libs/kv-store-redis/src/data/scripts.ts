import { createHash } from 'node:crypto';

/**
 * A script, which Redis runs atomically. KEYS are a partition's pairs, floor and deadlines. For the bytes of pairs,
 * see pair-codec.ts.
 */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

const HEADER = `
local function version_of(stored)
  return (struct.unpack('>d', stored, 2))
end
local function deadline_of(stored)
  local tag = string.byte(stored)
  if tag == 83 or tag == 66 then return (struct.unpack('>d', stored, 10)) end
end
local function head_of(stored)
  return string.sub(stored, 1, deadline_of(stored) and 17 or 9)
end
local function is_live(stored, now_ms)
  local deadline = deadline_of(stored)
  return deadline == nil or deadline > now_ms
end
`;

/**
 * The floor is read once, and written at most once, at the end. By then a pair was written or removed, so Redis lets the
 * script finish even if memory has run out.
 */
const FLOOR = `
local floor = tonumber(redis.call('GET', KEYS[2]) or '0')
local raised = floor
local function raise(version)
  if version > raised then raised = version end
end
local function keep_floor()
  if raised > floor then redis.call('SET', KEYS[2], string.format('%.0f', raised)) end
end
`;

/**
 * ARGV: now in ms, now in µs, then for each write its key, tag, deadline or nothing, condition or nothing, data.
 * Answers two lists. The first has for each write its version; 0 if memory ran out; -1 - v if the condition met
 * version v. The second has for each write 1 if the key was absent, else 0.
 *
 * A pair with a deadline raises the floor at once, so that its removal need not read it.
 */
export const SET = script(`${HEADER}${FLOOR}
local now_ms, now_micros = tonumber(ARGV[1]), tonumber(ARGV[2])
local answers, created = {}, {}
for i = 3, #ARGV, 5 do
  local id, tag, deadline, condition = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local stored = redis.call('HGET', KEYS[1], id)
  local version = 0
  if stored and is_live(stored, now_ms) then version = version_of(stored) end
  local answer
  if condition ~= '' and tonumber(condition) ~= version then
    answer = -1 - version
  else
    local new = math.max((version > 0 and version or raised) + 1, now_micros)
    local head = tag .. struct.pack('>d', new)
    if deadline ~= '' then head = head .. struct.pack('>d', tonumber(deadline)) end
    local done = redis.pcall('HSET', KEYS[1], id, head .. ARGV[i + 4])
    if type(done) ~= 'table' then
      answer = new
      if deadline ~= '' then
        redis.call('ZADD', KEYS[3], deadline, id)
        raise(new)
      elseif stored and deadline_of(stored) then
        redis.call('ZREM', KEYS[3], id)
      end
    elseif done.err and string.find(done.err, 'OOM', 1, true) then
      answer = 0
    else
      return done
    end
  end
  answers[#answers + 1] = answer
  created[#answers] = version == 0 and 1 or 0
end
keep_floor()
return { answers, created }
`);

/**
 * ARGV: now in ms, then for each delete its key and its condition or nothing. Answers for each delete: 1 if it
 * deleted, 0 if the key was absent, -1 - v if the condition met version v.
 */
export const DELETE = script(`${HEADER}${FLOOR}
local now_ms = tonumber(ARGV[1])
local answers = {}
for i = 2, #ARGV, 2 do
  local id, condition = ARGV[i], ARGV[i + 1]
  local stored = redis.call('HGET', KEYS[1], id)
  local version = 0
  if stored and is_live(stored, now_ms) then version = version_of(stored) end
  local answer = version > 0 and 1 or 0
  if condition ~= '' and tonumber(condition) ~= version then
    answer = -1 - version
  elseif stored then
    redis.call('HDEL', KEYS[1], id)
    if deadline_of(stored) then redis.call('ZREM', KEYS[3], id) end
    raise(version_of(stored))
  end
  answers[#answers + 1] = answer
end
keep_floor()
return answers
`);

/** ARGV: now in ms, then keys. Answers 1 or 0 for each key, without reading its value. */
export const HAS = script(`
local now_ms = tonumber(ARGV[1])
local answers = {}
for i = 2, #ARGV do
  local present = redis.call('HEXISTS', KEYS[1], ARGV[i])
  if present == 1 then
    local deadline = redis.call('ZSCORE', KEYS[3], ARGV[i])
    if deadline and tonumber(deadline) <= now_ms then present = 0 end
  end
  answers[i - 1] = present
end
return answers
`);

/**
 * Returns live pairs from the first key on, up to a chunk's bounds: key, pair, key, pair …; and how many keys were
 * used.
 */
const READ_CHUNK = `${HEADER}
local now_ms, max_pairs, max_units = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local with_values = ARGV[4] == '1'
local function units_of(bytes)
  local tag = string.byte(bytes)
  return (tag == 98 or tag == 66) and 2 * #bytes or #bytes
end
local function read_chunk(ids)
  local found, units, used = {}, 0, 0
  while used < #ids and #found < 2 * max_pairs and units < max_units do
    used = used + 1
    local id = ids[used]
    local stored = redis.call('HGET', KEYS[1], id)
    if stored and is_live(stored, now_ms) then
      found[#found + 1] = id
      if not with_values then stored = head_of(stored) end
      found[#found + 1] = stored
      units = units + units_of(id) + units_of(stored)
    end
  end
  return found, used
end
`;

/** ARGV: now in ms, a chunk's bounds, 1 with values or 0, a prefix. Answers the first pairs, and the remaining keys. */
export const SCAN_OPEN = script(`${READ_CHUNK}
local prefix = ARGV[5]
local ids = redis.call('HKEYS', KEYS[1])
if prefix ~= '' then
  local matching = {}
  for _, id in ipairs(ids) do
    if string.sub(id, 1, #prefix) == prefix then matching[#matching + 1] = id end
  end
  ids = matching
end
local found, used = read_chunk(ids)
local rest = {}
for i = used + 1, #ids do rest[i - used] = ids[i] end
return { found, rest }
`);

/**
 * ARGV: now in ms, a chunk's bounds, 1 with values or 0, then keys. Answers the pairs of the first keys, and how many keys were
 * used.
 */
export const SCAN_NEXT = script(`${READ_CHUNK}
local ids = {}
for i = 5, #ARGV do ids[i - 4] = ARGV[i] end
local found, used = read_chunk(ids)
return { found, used }
`);

/** ARGV: now in ms, a maximum. Reclaims expired pairs, and answers how many. */
export const RECLAIM = script(`
local ids = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[3], id)
end
return #ids
`);

export const SCRIPTS: readonly Script[] = [SET, DELETE, HAS, SCAN_OPEN, SCAN_NEXT, RECLAIM];

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
