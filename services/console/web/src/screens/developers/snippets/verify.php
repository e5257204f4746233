<?php
// PHP 8: needs nothing but PHP itself. Take the body as it arrived, before any JSON parsing:
// $rawBody = file_get_contents('php://input'); $headers = getallheaders();

const TOLERANCE_SECONDS = 5 * 60;

function verify(string $secret, array $headers, string $rawBody): bool
{
    $headers = array_change_key_case($headers, CASE_LOWER);
    $id = $headers['webhook-id'] ?? '';
    $timestamp = $headers['webhook-timestamp'] ?? '';
    $signatures = $headers['webhook-signature'] ?? '';
    if ($id === '' || $signatures === '' || !ctype_digit($timestamp)) {
        return false;
    }
    if (abs(time() - (int) $timestamp) >= TOLERANCE_SECONDS) {
        return false;
    }

    $key = base64_decode(substr($secret, strlen('whsec_')));
    $digest = hash_hmac('sha256', "$id.$timestamp.$rawBody", $key, true);
    $expected = 'v1,' . base64_encode($digest);
    // Several signatures stand in the header for 24 hours after a rotation: one must match.
    foreach (explode(' ', $signatures) as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}
