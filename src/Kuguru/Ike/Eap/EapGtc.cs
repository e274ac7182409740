using System.Security.Cryptography;
using Kuguru.Crypto;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

// EAP-Request/GTC { prompt }         RFC 3748 section 5.6
// EAP-Response/GTC { password }      which IKE protects, and the server's certificate before that
static class EapGtc
{
    public sealed class Server(Identity user, EapUsers users, Dice dice) : EapMethod
    {
        public override EapType Type => EapType.GenericTokenCard;

        public override MethodStep Begin() => new MethodStep.Continue("Password: "u8.ToArray());

        public override MethodStep Take(byte identifier, Blob data)
        {
            // Comparing MACs under a key that nobody knows tells nothing about the password's length.
            using var blind = Secret.Random(SHA256.HashSizeInBytes, dice);
            using var nobodys = Secret.Random(SHA256.HashSizeInBytes, dice);
            var given = HMACSHA256.HashData(blind.Span, data.Span);
            var isRight = false;
            foreach (var password in users.Passwords(user).Append(nobodys))
                isRight |= CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(blind.Span, password.Span), given);
            return isRight ? new MethodStep.Done(null) : new MethodStep.Failed("there is no such user, or the password is wrong");
        }
    }

    public sealed class Peer(Identity user, EapUsers users) : EapMethod
    {
        public override EapType Type => EapType.GenericTokenCard;

        public override MethodStep Take(byte identifier, Blob data) => users.Passwords(user).FirstOrDefault() is { } password
            ? new MethodStep.Done(Blob.Copy(password.Span))
            : new MethodStep.Failed(EapPeer.NoPassword(user));
    }
}
