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
