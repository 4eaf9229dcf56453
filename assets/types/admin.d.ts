// Types of the admin page, for `tsc --checkJs` and editors; not part of the page. The `Api` types are the parts of the
// admin API's responses that the page reads.

interface Store {
  /** undefined: not known yet; null: signed out */
  session: Api.Session | null | undefined;
  /** The account whose session expired. */
  lastAccountName: string;
  signOutReason: 'expired' | 'signed-out' | null;
  /** The server cannot be reached. */
  offline: boolean;
  /** The server's events are being received. */
  live: boolean;
  warnings: Api.Warning[];
  /** Refused submissions that are no lead yet. */
  refusedCount: number;
  dialog: 'export' | 'help' | null;
  /** Why the last export was refused. */
  exportError: { code: string } | null;
  /** The person of the open lead, for the page's title. */
  leadName: string | null;
  toast: { text: string; icon: string } | null;
  /** Grows every minute, so that relative times are rendered again. */
  minute: number;
}

interface Route {
  name: string;
  /** The id of the lead, or of the refused submission. */
  id: string | null;
  query: URLSearchParams;
}

interface PeriodFilter {
  /** A named period, such as `30d`; excludes the days. */
  period?: string;
  /** First and last day, YYYY-MM-DD. */
  since?: string;
  until?: string;
}

interface LeadFilter extends PeriodFilter {
  status?: string;
  /** Only leads that nobody has opened. */
  opened?: 'false';
  service?: string;
  q?: string;
  order?: 'oldest';
}

interface ServerEvent {
  type: string;
  /** The position in the audit log, to resume from. */
  id: string;
  data: any;
  /** Received by this tab's own connection, not forwarded by another tab. */
  isOwn?: boolean;
}

declare namespace Api {
  interface Session {
    name: string;
    expires_at_utc: string;
    /** After a sign-in with a recovery code. */
    recovery_codes_left?: number;
  }

  /** What a setup link is for. */
  interface SetupLink {
    kind: 'first_account' | 'invitation';
    /** null: the person chooses it */
    name: string | null;
    /** none: the operator left the second factor out */
    totp: 'optional' | 'required' | 'none';
  }

  /** A proposed second factor; it becomes the account's with a code of the app. */
  interface Enrolment {
    enrolment: string;
    /** Base32 in groups of four. */
    secret: string;
    /** otpauth://… */
    url: string;
    /** An SVG document. */
    qr: string;
  }

  interface Account {
    name: string;
    totp: boolean;
    recovery_codes_left: number;
    sessions: AccountSession[];
  }

  interface AccountSession {
    id: string;
    is_current: boolean;
    /** The User-Agent header. */
    browser: string | null;
    created_at_utc: string;
    seen_at_utc: string;
  }

  interface Count {
    rows: number;
    /** false: more than `rows` */
    exact: boolean;
  }

  interface LeadPage {
    leads: LeadSummary[];
    next: string | null;
    /** Of the first page only. */
    count: Count | null;
    /** The position in the audit log at which the page was read. */
    as_of: number;
    /** Of the first page only, and not of a search that finds very many. */
    tally: LeadTally | null;
  }

  /** Who opened a lead, such as `staff:jean`, and when. */
  interface LeadView {
    by: string;
    at_utc: string;
  }

  interface LeadTally {
    by_status: { status: string; leads: Count; unopened: Count }[];
    oldest_received_utc: string | null;
  }

  interface LeadSummary {
    id: string;
    seq: number;
    created_at_utc: string;
    name: string;
    company: string | null;
    service: string | null;
    status: string;
    first_view: LeadView | null;
    last_view: LeadView | null;
    /** Of this person, this one included; 10: more than 9. null: the search index is being built. */
    requests: number | null;
    excerpt: string;
    /** null: no search */
    hits: RowHits | null;
    /** Set by the page after an `erased` event; the personal data is gone then. */
    erased?: boolean;
  }

  interface Lead {
    id: string;
    name: string;
    email: string;
    phone: string | null;
    /** Dials the first number of `phone`; null where none is certain. */
    phone_uri: string | null;
    company: string | null;
    service: string | null;
    message: string;
    /** The telephone numbers of the message; `start` and `end` are indices of the string. */
    message_phones: PhoneLink[];
    consent: boolean;
    source: string;
    request_id: string;
    timestamp_utc: string | null;
    created_at_utc: string;
    ip_hash: string | null;
    user_agent_hash: string | null;
    status: string;
  }

  interface OpenedLead {
    lead: Lead;
    /** Oldest row first. */
    timeline: AuditRow[];
    /** null: they cannot be read */
    notices: LeadNotice[] | null;
    receipt: string | null;
    digest: 'valid' | 'invalid';
    newer: string | null;
    older: string | null;
    /** null: the search index is being built */
    others: OtherRequests | null;
    /** null: no search */
    hits: LeadHits | null;
  }

  interface LeadNotice {
    /** Kind and hash, such as mail-5b3f9a01. */
    channel: string;
    state: 'pending' | 'sent' | 'given_up' | 'ended';
    at_utc: string | null;
    attempts: number;
    last_error: string | null;
    next_try_at_utc: string | null;
  }

  interface NoticeChannel {
    channel: string;
    has_ended: boolean;
    pending: number;
    waiting_since_utc: string | null;
    given_up: number;
    last_sent_at_utc: string | null;
    last_error: string | null;
  }

  interface PhoneLink {
    start: number;
    end: number;
    uri: string;
  }

  interface OtherRequests {
    leads: LeadSummary[];
    count: Count;
  }

  /** A part of a text that a search has found; indices of the string. */
  interface Hit {
    start: number;
    end: number;
  }

  interface RowHits {
    name: Hit[];
    company: Hit[];
    service: boolean;
    excerpt: Hit[];
    /** Where nothing else of the row has a word of the search. */
    contact: { text: string; hits: Hit[] } | null;
  }

  interface LeadHits {
    name: Hit[];
    email: Hit[];
    phone: Hit[];
    company: Hit[];
    service: boolean;
    message: Hit[];
  }

  /** A refused submission without its content. */
  interface RefusedSummary {
    seq: number;
    id: string;
    received_at_utc: string;
    times: number;
    last_at_utc: string;
    status_code: number;
    faults: RefusedFault[];
    media_type: string | null;
    settled_at_utc: string | null;
    lead_id: string | null;
  }

  interface RefusedFault {
    /** Without `body`; empty for the body as a whole. */
    field: string;
    type: string;
    msg: string;
  }

  /** With its `summary` joined in. */
  interface RefusedDetail extends RefusedSummary {
    content_encoding: string | null;
    request_id: string | null;
    fields: { name: string; value: string }[];
    emails: string[];
    phones: { text: string; uri: string }[];
    size: number;
    body: string;
    /** The body is longer. */
    cut: boolean;
  }

  interface AuditRow {
    seq: number;
    created_at_utc: string;
    event: string;
    actor: string | null;
    lead_id: string | null;
    request_id: string | null;
    status_code: number | null;
    details: Record<string, any> | null;
    hash: string;
  }

  interface Stats {
    leads: number;
    series: { start: string; leads: number }[];
    by_service: { service: string | null; leads: number }[];
    by_status: { status: string | null; leads: number }[];
    median_seconds_to_processing: number | null;
    previous: { since_utc: string; leads: number; median_seconds_to_processing: number | null } | null;
  }

  interface Warning {
    code: string;
    detail: string;
  }

  interface Status {
    version: string;
    database: { bytes: number; wal_bytes: number; free_bytes: number; leads: number; audit_rows: number };
    last_lead_at_utc: string | null;
    last_backup: { at_utc: string; file: string | null } | null;
    chain: { verified_to: number; head: number; at_utc: string | null; ok: boolean; finding: string | null };
    health: { ok: boolean; detail: string | null };
    retention: { days: number; leads_leaving: number } | null;
    /** null: they cannot be read */
    notice_channels: NoticeChannel[] | null;
    canary: { every_seconds: number; last_at_utc: string | null } | null;
    certificate: { source: "files" | "acme"; expires_at_utc: string | null; days_left: number | null; failure: string | null } | null;
    warnings: Warning[];
  }
}
