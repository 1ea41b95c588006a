// When frames are due. Each has a slot of one period.

/**
 * When the next frame is due. Slots keep their times, so a frame that came late is made up for by the next ones, which
 * begin at once. At most one slot is made up for: after a longer wait the slots begin anew.
 * @param {number} due when the last frame was @param {number} period of a frame @param {number} now all in milliseconds
 */
export const nextDue = (due, period, now) => Math.max(due + period, now - period);

/**
 * Whether a frame came after its slot. One that makes up for another has a slot's time from where it began.
 * @param {number} due when it was @param {number} began when its step did @param {number} period @param {number} now all in milliseconds
 */
export const isLate = (due, began, period, now) => now > Math.max(due, began) + period;
