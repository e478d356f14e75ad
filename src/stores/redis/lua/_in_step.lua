-- Takes from a bucket that stays in the step for which its key lives, as most do that bucket.lua has tagged: `level` is
-- where it stands then. Else nothing is done. Lines of bucket.lua, which knows all that they need: `value` is what the
-- key holds, and, if it has this TTL tag, less `offset` where the bucket stands.
local known = value and #value == 16 and tonumber(value)
if known then
  -- With another TTL tag, or in the years to come, it is far from now, and so from the end of its step, or from room. What
  -- is kept of an instant must not run over: it would add one to the tag.
  local us, reach = known - offset, 0
  while us > reach_from do
    us, reach = us - REACH_US, reach + 1
  end
  local next_us = (us < now and now or us) + cost_us
  local added = next_us - us
  if next_us <= most_us and next_us < era + ERA_US and us % step_us + added < step_us then
    local next_reach = next_us > full_us and reach_after(us, next_us, reach) or next_us <= full_us and 0
    if next_reach then
      if next_reach ~= reach then added = added + (next_reach - reach) * REACH_US end
      local added_text = added == cost_us and cost_text or format("%d", added)
      if try("INCRBY", key, added_text) == known + added then level = next_us - now end
    end
  end
end
