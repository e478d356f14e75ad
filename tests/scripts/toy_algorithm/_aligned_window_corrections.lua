-- Corrections of an aligned window.
local function aligned_less(state, units)
  return { start = state.start, count = max(state.count - units, 0) }
end
function give_back.a(state, units, mark, limit)
  return aligned_start(mark.at, limit) == state.start and aligned_less(state, units) or state
end
function refund.a(state, units, limit)
  return aligned_start(now, limit) == state.start and aligned_less(state, units) or state
end
function runs_of_state.a(state, limit)
  if state.count == 0 then return {} end
  return { { at = max(state.start, min(now, state.start + limit.window - 1)), units = state.count } }
end
function section_numbers.a(limit, each)
  limit.window = each(limit.window)
end
function read_state.a(from)
  local start, count = unpack_at("<dd", from.bytes(16))
  return { start = start, count = count }
end
function written_state.a(state)
  return pack("<dd", state.start, state.count)
end
