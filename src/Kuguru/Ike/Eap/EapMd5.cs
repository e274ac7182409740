using System.Security.Cryptography;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

// EAP-Request/MD5-Challenge { value size, challenge, name }        RFC 3748 section 5.4
// EAP-Response/MD5-Challenge { value size, MD5(identifier | password | challenge), name }
static class EapMd5
{
    const int ChallengeLength = 16;

    /// <summary>A server that asks for the user's password; whether it has one shows only in the end.</summary>
    public sealed class Server(Identity user, EapUsers users, Dice dice) : EapMethod
    {
        readonly byte[] _challenge = dice.Bytes(ChallengeLength);

        public override EapType Type => EapType.Md5Challenge;

        public override MethodStep Begin() => new MethodStep.Continue(Write(_challenge));

        public override MethodStep Take(byte identifier, Blob data)
        {
            if (!TryRead(data, out var response) || response.Length != MD5.HashSizeInBytes)
                return new MethodStep.Failed("its answer to the challenge is malformed");
            using var nobodys = Secret.Random(ChallengeLength, dice);
            var isRight = false;
            foreach (var password in users.Passwords(user).Append(nobodys))
                isRight |= CryptographicOperations.FixedTimeEquals(Respond(identifier, password, _challenge), response);
            return isRight ? new MethodStep.Done(null) : new MethodStep.Failed("there is no such user, or the password is wrong");
        }
    }

    /// <summary>A client with a password.</summary>
    public sealed class Peer(Identity user, EapUsers users) : EapMethod
    {
        public override EapType Type => EapType.Md5Challenge;

        public override MethodStep Take(byte identifier, Blob data)
        {
            if (!TryRead(data, out var challenge) || challenge.IsEmpty)
                return new MethodStep.Failed("the challenge is malformed");
            return users.Passwords(user).FirstOrDefault() is { } password
                ? new MethodStep.Done(Write(Respond(identifier, password, challenge)))
                : new MethodStep.Failed(EapPeer.NoPassword(user));
        }
    }

    static byte[] Respond(byte identifier, Secret password, ReadOnlySpan<byte> challenge)
    {
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        md5.AppendData([identifier]);
        md5.AppendData(password.Span);
        md5.AppendData(challenge);
        return md5.GetHashAndReset();
    }

    static Blob Write(byte[] value) => new((byte[])[(byte)value.Length, .. value]);

    /// <summary>The value; a name may follow, which nobody needs.</summary>
    static bool TryRead(Blob data, out Blob value)
    {
        var r = new WireReader(data);
        value = r.Blob(r.U8());
        return !r.Failed;
    }
}
