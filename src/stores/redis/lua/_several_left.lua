-- What is left to the script for everything: all entries of a group in one go, as their keys differ.
local function decide_slowly(ARGV, KEYS)
  --- @include decide
end

-- Decides entries that are left over, in the places that were kept for them.
local function decide_left(left, words, words_from)
  local keys, args = {}, { grace_ms, 1 }
  for i = 1, words do
    args[2 + i] = ARGV[words_from + i]
  end
  local mode, total, last = peeks and "2" or "1", 0, #args + 1
  for _, entry in ipairs(left) do
    for _ = 1, entry.times do
      total = total + 1
      keys[total] = entry.key
      for i, word in ipairs({ mode, max_wait, 1, "1", cost, 0 }) do
        args[last + i] = word
      end
      last = last + 6
    end
  end
  args[3 + words] = total
  local decided, done = decide_slowly(args, keys), 1
  for _, entry in ipairs(left) do
    if entry.counts then
      local all = {}
      for i = 1, entry.times do
        all[i] = decided[done + i]
      end
      replies[entry.place], done = all, done + entry.times
    else
      replies[entry.place], done = decided[done + 1], done + 1
    end
  end
end
