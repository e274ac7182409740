using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Kuguru.Crypto;
using Kuguru.Wire;
using Kuguru.Wire.Eap;

namespace Kuguru.Ike.Eap;

// Request  { Challenge: challenge, name }                                  draft-kamath-pppext-eap-mschapv2-02
// Response { Response: challenge of the peer, NT response, name }
// Request  { Success: "S=..." } or { Failure: "E=691 R=1 C=..." }          with R=1 the peer may try again, with that challenge
// Response { Success } or { Failure }
static class EapMsChapV2
{
    /// <summary>Times that a user may try again: Windows asks him for the password anew.</summary>
    public const int Retries = 2;

    const int HeaderSize = 4, ResponseLength = 49;

    /// <summary>One octet, before a second one that is raised with each try, and a length.</summary>
    enum OpCode : byte
    {
        Challenge = 1,
        Response = 2,
        Success = 3,
        Failure = 4,
    }

    public sealed class Server(Identity user, bool isNamed, EapUsers users, Dice dice) : EapMethod
    {
        readonly byte[] _challenge = dice.Bytes(MsChapV2.ChallengeLength);
        byte _id = (byte)dice.UInt32();
        int _tries;
        Secret? _msk;

        public override EapType Type => EapType.MsChapV2;

        /// <summary>Who has proved to be: where nobody has said his name before, it is said here.</summary>
        public override Identity? User => isNamed ? null : _user;

        Identity? _user;

        public override MethodStep Begin() =>
            new MethodStep.Continue(Write(OpCode.Challenge, _id, [MsChapV2.ChallengeLength, .. _challenge, .. "kuguru"u8]));

        public override MethodStep Take(byte identifier, Blob data) => OpCodeOf(data) switch
        {
            OpCode.Response when _msk is null => Judge(data),
            OpCode.Success when _msk is not null => new MethodStep.Done(null),
            OpCode.Failure => new MethodStep.Failed(
                _msk is null ? WrongPassword : "it does not believe that we know the password: is it changed on its way?"),
            var other => new MethodStep.Failed($"it sends an unexpected MS-CHAP-V2 operation {(byte)other}"),
        };

        public override string? Trouble => _tries > 0 && _msk is null ? WrongPassword : null;

        string WrongPassword => string.Create(
            CultureInfo.InvariantCulture, $"there is no such user, or the password is wrong ({_tries} {(_tries == 1 ? "try" : "tries")})");

        MethodStep Judge(Blob data)
        {
            var r = new WireReader(data);
            r.Skip(HeaderSize);
            if (r.U8() != ResponseLength)
                return new MethodStep.Failed("its MS-CHAP-V2 response is malformed");
            var peer = r.Blob(MsChapV2.ChallengeLength);
            r.Skip(8);
            var response = r.Blob(MsChapV2.NtResponseLength);
            r.Skip(1);
            var name = r.Rest();
            if (r.Failed || EapIdentity.Read(name) is not { } named)
                return new MethodStep.Failed("its MS-CHAP-V2 response is malformed");
            // A domain that comes here alone is the client's ("Windows Phone\alice"), and no other user.
            if (isNamed && EapIdentity.Read(MsChapV2.WithoutDomain(name)) is { } bare && EapIdentity.IsSame(user, bare))
                named = user;
            if (isNamed && !EapIdentity.IsSame(user, named))
                return new MethodStep.Failed($"it is '{user}' to EAP, and '{named}' to MS-CHAP-V2");
            return Accept(named, MsChapV2.WithoutDomain(name), peer, response) is { } proof ? Welcome(named, proof) : Retry();
        }

        /// <summary>Our own proof, when the user's is right.</summary>
        byte[]? Accept(Identity named, ReadOnlySpan<byte> name, Blob peer, Blob response)
        {
            byte[]? proof = null;
            foreach (var hash in users.NtHashes(named).Append(Secret.Random(MsChapV2.HashLength, dice)))
            {
                using var _ = hash;
                if (!CryptographicOperations.FixedTimeEquals(MsChapV2.NtResponse(_challenge, peer, name, hash), response) || proof is not null)
                    continue;
                proof = MsChapV2.AuthenticatorResponse(_challenge, peer, name, hash, response);
                _msk = MsChapV2.Msk(hash, response);
            }
            return proof;
        }

        MethodStep.Continue Welcome(Identity named, byte[] proof)
        {
            _user = named;
            return new MethodStep.Continue(Write(OpCode.Success, _id, Encoding.ASCII.GetBytes($"S={Convert.ToHexString(proof)} M=OK")));
        }

        MethodStep Retry()
        {
            if (++_tries > Retries)
                return new MethodStep.Failed(WrongPassword);
            dice.Fill(_challenge);
            return new MethodStep.Continue(Write(OpCode.Failure, _id++,
                Encoding.ASCII.GetBytes($"E=691 R=1 C={Convert.ToHexString(_challenge)} V=3 M=Authentication failed")));
        }

        public override Secret? TakeMsk() => Give(ref _msk);

        public override void Dispose()
        {
            _msk?.Dispose();
            base.Dispose();
        }
    }

    public sealed class Peer(Identity user, EapUsers users, Dice dice) : EapMethod
    {
        byte[]? _expected;
        Secret? _msk;

        public override EapType Type => EapType.MsChapV2;

        public override MethodStep Take(byte identifier, Blob data) => OpCodeOf(data) switch
        {
            OpCode.Challenge when _expected is null => Respond(data),
            OpCode.Success when _expected is not null => Believe(data),
            OpCode.Failure => new MethodStep.Failed(WhyRefused(data), (byte[])[(byte)OpCode.Failure]),
            var other => new MethodStep.Failed($"it sends an unexpected MS-CHAP-V2 operation {(byte)other}"),
        };

        MethodStep Respond(Blob data)
        {
            var r = new WireReader(data);
            r.Skip(1);
            var id = r.U8();
            r.Skip(2);
            var challenge = r.Blob(r.U8());
            if (r.Failed || challenge.Length != MsChapV2.ChallengeLength)
                return new MethodStep.Failed("its MS-CHAP-V2 challenge is malformed");
            using var hash = users.NtHashes(user).FirstOrDefault();
            if (hash is null)
                return new MethodStep.Failed(EapPeer.NoPassword(user));
            var (peer, name) = (dice.Bytes(MsChapV2.ChallengeLength), EapIdentity.Write(user));
            var bare = MsChapV2.WithoutDomain(name);
            var response = MsChapV2.NtResponse(challenge, peer, bare, hash);
            _expected = MsChapV2.AuthenticatorResponse(challenge, peer, bare, hash, response);
            _msk = MsChapV2.Msk(hash, response);
            return new MethodStep.Continue(Write(OpCode.Response, id, [ResponseLength, .. peer, .. new byte[8], .. response, 0, .. name.Span]));
        }

        MethodStep Believe(Blob data)
        {
            var text = Encoding.ASCII.GetString(data.Span[Math.Min(HeaderSize, data.Length)..]);
            var proof = text.StartsWith("S=", StringComparison.Ordinal) && text.Length >= 2 + 2 * SHA1.HashSizeInBytes
                ? text[2..(2 + 2 * SHA1.HashSizeInBytes)] : "";
            if (proof.Length == 0 || !proof.All(char.IsAsciiHexDigit)
                || !CryptographicOperations.FixedTimeEquals(Convert.FromHexString(proof), _expected))
                return new MethodStep.Failed("it does not know the password either: the server is not the one that it seems to be");
            return new MethodStep.Done((byte[])[(byte)OpCode.Success]);
        }

        /// <summary>The codes of RFC 2759 section 6; its text is the server's, and stays there.</summary>
        static string WhyRefused(Blob data)
        {
            var text = Encoding.ASCII.GetString(data.Span[Math.Min(HeaderSize, data.Length)..]);
            return text.Split(' ').FirstOrDefault(word => word.StartsWith("E=", StringComparison.Ordinal)) switch
            {
                "E=646" => "it says that this is no hour to log in (646)",
                "E=647" => "it says that the account is disabled (647)",
                "E=648" => "it says that the password has expired (648)",
                "E=649" => "it says that the user may not dial in (649)",
                "E=691" => "it says that the user name or the password is wrong (691)",
                "E=709" => "it says that the password could not be changed (709)",
                _ => "it refuses the user",
            };
        }

        public override Secret? TakeMsk() => Give(ref _msk);

        public override void Dispose()
        {
            _msk?.Dispose();
            base.Dispose();
        }
    }

    static Secret? Give(ref Secret? msk)
    {
        var given = msk;
        msk = null;
        return given;
    }

    static OpCode OpCodeOf(Blob data) => data.IsEmpty ? 0 : (OpCode)data.Span[0];

    static Blob Write(OpCode code, byte id, ReadOnlySpan<byte> value)
    {
        var w = new WireWriter(HeaderSize + value.Length);
        w.U8((byte)code);
        w.U8(id);
        w.U16(0);
        w.Bytes(value);
        w.PatchLength16(2, from: 0);
        return w.ToArray();
    }
}
