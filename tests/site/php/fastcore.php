<?php
// fastcore.php: sends a lead to FASTCore until it is stored. PHP 8.1 or newer with the extension curl.
declare(strict_types=1);

const FASTCORE_SOURCE = 'fast-techservices.com';
/** How long a visitor waits, and how long one attempt does, in seconds. */
const FASTCORE_PATIENCE = 20.0;
const FASTCORE_ATTEMPT = 8.0;

/**
 * Returns what to tell the visitor. Where `request_id` is returned, the next attempt with this form must have it.
 *
 * @param array<string, mixed> $lead name, email, message, consent (a bool), and phone, company, service if given
 * @return array{status: string, errors?: array<string, string>, request_id?: string}
 *     status: stored, kept, invalid, unavailable or failed
 */
function fastcore_send(array $lead, string $address, string $userAgent, ?string $requestId = null): array
{
    $url = rtrim(fastcore_setting('FASTCORE_BASE_URL'), '/') . '/inbound/leads';
    $token = fastcore_setting('FASTCORE_SITE_INGEST_TOKEN');
    $key = fastcore_setting('CONTACT_HASH_KEY');
    $wrong = array_keys(array_filter([
        'FASTCORE_BASE_URL' => !preg_match('~^https?://[^/?#@\s]+(/[^?#\s]*)?$~D', $url),
        'FASTCORE_SITE_INGEST_TOKEN' => !preg_match('/^(?!["\'])[!-~]+$/D', $token),
        'CONTACT_HASH_KEY' => strlen($key) < 32,
    ]));
    if ($wrong !== []) {
        fastcore_log('contact_not_set_up', ['cause' => implode(', ', $wrong)]);
        return ['status' => 'failed'];
    }
    $json = fn (array $data): string => json_encode($data, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
    // The same content on the same day has the same id: a second click makes no second lead.
    $id = $requestId ?? fastcore_uuid(hash_hmac('sha256', $json([gmdate('Y-m-d'), $lead]), $key));
    for ($other = 0; $other < 3; $other++) {
        $meta = [
            'source' => FASTCORE_SOURCE,
            'request_id' => $id,
            'ip_hash' => hash_hmac('sha256', $address, $key),
            'user_agent_hash' => hash_hmac('sha256', $userAgent, $key),
            'timestamp_utc' => gmdate('Y-m-d\TH:i:s\Z'),
        ];
        [$status, $answer, $cause] = fastcore_post($url, $token, $json($lead + ['meta' => $meta]));
        if ($status !== 409 && $status !== 410) {
            break;
        }
        // Sent before with other words: this is another message.
        $id = fastcore_uuid(hash_hmac('sha256', $json([$id, $lead]), $key));
    }
    if (($status === 200 || $status === 201) && isset($answer['receipt'])) {
        // The receipt, kept outside FASTCore, proves later that nothing was rewritten there.
        fastcore_log('lead_stored', ['request_id' => $id] + array_intersect_key($answer, ['leadId' => 1, 'receipt' => 1]));
        return ['status' => 'stored'];
    }
    $errors = [];
    foreach ($status === 422 && is_array($answer['detail'] ?? null) ? $answer['detail'] : [] as $fault) {
        $errors[implode('.', array_slice($fault['loc'], 1))] ??= $fault['type'];
    }
    $result = match (true) {
        fastcore_is_passing($status) => 'unavailable',
        ($answer['kept'] ?? false) === true => 'kept',
        $errors !== [] => 'invalid',
        default => 'failed',
    };
    fastcore_log("lead_$result", ['request_id' => $id, 'cause' => $cause]);
    return ['status' => $result, 'errors' => $errors, 'request_id' => $id];
}

/**
 * Posts until there is a response that will not change, or the patience is over.
 *
 * @return array{int, array<string, mixed>, string} the status (0: no response), the JSON, what to log
 */
function fastcore_post(string $url, string $token, string $body): array
{
    $end = microtime(true) + FASTCORE_PATIENCE;
    for ($attempt = 1; ; $attempt++) {
        $retryAfter = 0.0;
        $curl = curl_init($url);
        curl_setopt_array($curl, [
            CURLOPT_POSTFIELDS => $body,
            CURLOPT_HTTPHEADER => ["Authorization: Bearer $token", 'Content-Type: application/json', 'Expect:'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT_MS => (int) (1000 * max(0.1, min(FASTCORE_ATTEMPT, $end - microtime(true)))),
            CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$retryAfter): int {
                if (preg_match('/^retry-after: *(\d+)/i', $line, $found)) {
                    $retryAfter = (float) $found[1];
                }
                return strlen($line);
            },
        ]);
        $text = curl_exec($curl);
        // A response that breaks off is none: the lead may be stored or not. In its head, curl does not notice.
        $status = is_string($text) ? curl_getinfo($curl, CURLINFO_RESPONSE_CODE) : 0;
        $status = $text === '' && intdiv($status, 100) === 2 ? 0 : $status;
        $answer = is_string($text) ? json_decode($text, true) : null;
        $answer = is_array($answer) ? $answer : [];
        $cause = $status === 0
            ? (curl_error($curl) ?: 'the response broke off')
            : "$status " . ($answer['error'] ?? 'not a response of FASTCore') . " from $url";
        $wait = max($retryAfter, min(0.125 * 2 ** $attempt, 4.0) * random_int(50, 100) / 100);
        if (!fastcore_is_passing($status) || microtime(true) + $wait >= $end) {
            return [$status, $answer, $cause];
        }
        usleep((int) (1e6 * $wait));
    }
}

function fastcore_is_passing(int $status): bool
{
    return $status === 0 || $status === 408 || $status === 429 || $status >= 500;
}

/** A UUID of version 8 (RFC 9562) from a hash. */
function fastcore_uuid(string $hash): string
{
    $half = '8' . substr($hash, 13, 3) . '-a' . substr($hash, 17, 3);
    return substr($hash, 0, 8) . '-' . substr($hash, 8, 4) . "-$half-" . substr($hash, 20, 12);
}

/** A constant (WordPress: in wp-config.php) or an environment variable. */
function fastcore_setting(string $name): string
{
    return trim((string) (defined($name) ? constant($name) : getenv($name)));
}

/** @param array<string, string> $details */
function fastcore_log(string $event, array $details): void
{
    error_log(json_encode(['event' => $event] + $details, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE));
}
