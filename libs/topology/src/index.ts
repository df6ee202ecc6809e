export { ClusterControl, type ClusterControlSettings, type NodeRemoval } from './control/cluster-control.js';
export type { ClusterStatus } from './control/cluster-status.js';
export { LastingProblem } from './control/lasting-problem.js';
export type { ControlLog, ControlPorts, ControlTimers } from './control/ports.js';
export { MAX_NEWS_WAIT_MS } from './control/topology-news.js';
export type {
  EntriesRequest,
  FillProgress,
  HeldPartition,
  Invitation,
  JoinRequest,
  MoveFailure,
  NodeReport,
  NodeUpdate,
  PrimaryOrder,
  PromotionAnswer,
  PromotionQuestion,
  ReportAnswer,
  SenderKnowledge,
  TopologyAnswer,
} from './control-plane/messages.js';
export {
  entriesRequestFrom,
  invitationFrom,
  joinRequestFrom,
  nodeReportFrom,
  nodeUpdateFrom,
  promotionAnswerFrom,
  promotionQuestionFrom,
  reportAnswerFrom,
  settingsUpdateFrom,
  topologyAnswerFrom,
  topologyAnswerToJson,
} from './control-plane/messages-json.js';
export { changeEntry, isStartAfterLoss, type EntryChange } from './entry-changes.js';
export { LocalTopologyStore, type FileLock, type TopologyFile } from './local-topology-store.js';
export {
  applyRequests,
  endProcess,
  raiseVersionCeiling,
  registerNode,
  removeNode,
  updateNode,
  updateSettings,
  type EntryRequest,
  type SettingsUpdate,
} from './topology-changes.js';
export { isBootId } from './json-fields.js';
export { topologyFromJson, topologyToJson } from './topology-json.js';
export type { NodeStatus, PlanInput, PlanSettings } from './planning/plan-input.js';
export type { Plan, StalledPartition } from './planning/draft.js';
export { plan } from './planning/plan.js';
export { LEAD_FOR_MS, type TopologyStore } from './topology-store.js';
export {
  MAX_COPIES,
  MAX_REVISIONS_AHEAD,
  newTopology,
  nodeOfBoot,
  type BootId,
  type ClusterSettings,
  type EndedProcess,
  type NodeIdentity,
  type NodeState,
  type PartitionEntry,
  type Topology,
  type TopologyNode,
} from './topology.js';
