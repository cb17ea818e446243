/**
 * The version of the read models as one set: what their rows mean and how their tables look. It changes with any
 * change of either; then a projector leaves the old ones alone, and a rebuild brings the new ones. A test holds it
 * against what the folds make of kept events.
 */
export const projectionVersion = 2;
