<?php
// openapi-generator's php: sends a lead, and reads what is wrong with another.
declare(strict_types=1);

require '/usr/share/php/GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $file = str_replace(['OpenAPI\\Client\\', '\\'], ['', '/'], $class);
    $path = __DIR__ . "/../build/php/generated/lib/$file.php";
    if (file_exists($path)) {
        require $path;
    }
});

use OpenAPI\Client\Api\LeadsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\LeadMeta;
use OpenAPI\Client\Model\LeadRequest;
use OpenAPI\Client\Model\LeadResponse;
use OpenAPI\Client\Model\RefusedValidationErrorResponse;

function check(bool $holds, mixed $what): void
{
    if (!$holds) {
        throw new Exception(print_r($what, true));
    }
}

function lead(string $name): LeadRequest
{
    $bytes = bin2hex(random_bytes(16));
    $lead = new LeadRequest();
    $lead->setName($name);
    $lead->setEmail('zoe@example.com');
    $lead->setCompany(str_repeat('é', 120));
    $lead->setMessage('Mon compresseur ne démarre plus depuis hier.');
    $lead->setConsent(true);
    $meta = new LeadMeta();
    $meta->setSource('fast-techservices.com');
    $meta->setRequestId(vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split($bytes, 4)));
    $meta->setIpHash('abc123def456');
    $meta->setTimestampUtc(new DateTime());
    $lead->setMeta($meta);
    check($lead->valid(), $lead->listInvalidProperties());
    return $lead;
}

set_error_handler(function (int $level, string $message): bool {
    throw new ErrorException($message);
}, E_ALL & ~E_DEPRECATED);

$configuration = (new Configuration())
    ->setHost(getenv('FASTCORE_URL'))
    ->setAccessToken(getenv('FASTCORE_TOKEN'));
$api = new LeadsApi(new GuzzleHttp\Client(), $configuration);
[$stored, $status] = $api->sendLeadWithHttpInfo(lead('Zoé Dupont'));
check($status === 201 && $stored instanceof LeadResponse, $stored);
check(preg_match('/^[1-9][0-9]*:[0-9a-f]{64}$/', $stored->getReceipt()) === 1, $stored);

try {
    // The client's own check takes two characters, as the document says: the space counts for it.
    $api->sendLead(lead('J '));
    check(false, 'it was accepted');
} catch (ApiException $error) {
    $refused = $error->getResponseObject();
    check($error->getCode() === 422 && $refused instanceof RefusedValidationErrorResponse, $error);
    check($refused->getKept() === true, $refused);
    $field = $refused->getDetail()[0];
    check($field->getLoc() === ['body', 'name'], $field);
    check($field->getMsg() === 'String should have at least 2 characters', $field);
}
