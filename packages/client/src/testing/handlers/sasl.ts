import { ErrorCode } from "../../broker-errors.ts";
import type { SaslAuthenticateRequest, SaslAuthenticateResponse } from "../../protocol/generated/sasl-authenticate.ts";
import type { SaslHandshakeRequest, SaslHandshakeResponse } from "../../protocol/generated/sasl-handshake.ts";
import type { RequestContext } from "../request-context.ts";

export function handleSaslHandshake(request: SaslHandshakeRequest, { sasl }: RequestContext): SaslHandshakeResponse {
  if (sasl === undefined) return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] };
  return { errorCode: sasl.begin(request.mechanism), mechanisms: sasl.mechanisms };
}

export async function handleSaslAuthenticate(
  request: SaslAuthenticateRequest,
  { sasl }: RequestContext,
): Promise<SaslAuthenticateResponse> {
  if (sasl === undefined) return refusal(ErrorCode.ILLEGAL_SASL_STATE, "This listener does not use SASL");
  const answer = await sasl.answer(request.authBytes);
  if (answer === undefined) return refusal(ErrorCode.SASL_AUTHENTICATION_FAILED, "Invalid credentials");
  const sessionLifetimeMs = sasl.isAuthenticated ? sasl.lifetimeMs : 0;
  return { errorCode: ErrorCode.NONE, errorMessage: null, authBytes: answer, sessionLifetimeMs };
}

function refusal(errorCode: number, errorMessage: string): SaslAuthenticateResponse {
  return { errorCode, errorMessage, authBytes: new Uint8Array(0), sessionLifetimeMs: 0 };
}
